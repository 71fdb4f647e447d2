import type { Socket } from "node:net";
import { ByteSource } from "../byte-source.ts";
import { ConnectFailure, open } from "../connect.ts";
import {
  mismatch,
  NO_RESPONSE,
  refused,
  timedOut,
  type MonitorResult,
  type MonitorTask,
} from "./result.ts";

/** The application did not answer in time. */
class Silence extends Error {}

/** An open connection of a probe, whose every wait ends with the response time-out. */
export interface Conversation {
  readonly send: (bytes: string) => void;
  readonly source: ByteSource;
  readonly socket: Socket;
  /** Ends `wait` at the probe's deadline. */
  readonly within: <T>(wait: Promise<T>) => Promise<T>;
}

/** Connects, talks, closes; reports a failure in NetScaler's wording. */
export async function converse(
  task: MonitorTask,
  talk: (conversation: Conversation) => Promise<MonitorResult>,
): Promise<MonitorResult> {
  const deadline = performance.now() + task.timeoutMs;
  let socket: Socket | null = null;
  try {
    socket = await open(task.endpoint, task);
    const opened = socket;
    const within = <T>(wait: Promise<T>): Promise<T> => before(deadline, wait);
    return await talk({
      socket: opened,
      source: new ByteSource(opened),
      send: (bytes) => opened.write(bytes, "latin1"),
      within,
    });
  } catch (error) {
    return failed(error);
  } finally {
    socket?.destroy();
  }
}

function failed(error: unknown): MonitorResult {
  if (error instanceof Silence) {
    return timedOut(NO_RESPONSE);
  }
  if (error instanceof ConnectFailure) {
    switch (error.stage) {
      case "refused":
        return refused("Failure - TCP syn sent, reset received.");
      case "tcp_timeout":
        return timedOut("Failure - Time out during TCP connection establishment stage");
      case "tls_timeout":
        return timedOut("Failure - Time out during SSL handshake stage");
      case "tls_failed":
        return mismatch("Failure - Time out during SSL handshake stage");
    }
  }
  throw error;
}

function before<T>(deadline: number, wait: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => {
        reject(new Silence());
      },
      Math.max(1, deadline - performance.now()),
    );
    wait.then(resolve, reject).finally(() => {
      clearTimeout(timer);
    });
  });
}
