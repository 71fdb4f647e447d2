import { createServer } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { startServer } from "./real-servers.ts";

test("startServer › starts at another port when its port was taken meanwhile", async () => {
  const chosen: number[] = [];
  const script = `
    const [port, wait] = process.argv.slice(1).map(Number);
    setTimeout(() => require("node:net").createServer().listen(port, "127.0.0.1"), wait);
  `;
  const taker = createServer();
  onTestFinished(() => {
    taker.close();
  });
  const server = await startServer({
    program: process.execPath,
    ports: ["web"],
    prepare: ({ ports: { web = 0 } }) => {
      chosen.push(web);
      if (chosen.length === 1) {
        taker.listen(web, "127.0.0.1");
      }
      // Late enough that the other one has the port.
      return ["-e", script, String(web), chosen.length === 1 ? "500" : "0"];
    },
    answers: () => Promise.resolve(chosen.length > 1),
  });
  onTestFinished(() => server.stop());
  expect(chosen).toHaveLength(2);
  expect(server.ports).toEqual({ web: chosen[1] });
});
