import type { Header, RequestHead } from "../http/message.ts";
import type { AaaUser } from "./options.ts";

/** Outlook on the web's login page: where a traffic policy of the guides sets in. */
export function asksForOwaForm(request: RequestHead): boolean {
  return (
    request.method === "GET" && request.target.toLowerCase().startsWith("/owa/auth/logon.aspx")
  );
}

/** The filled-in form that takes the login page's place, and its body. */
export function owaFormPost(
  request: RequestHead,
  user: AaaUser,
): { head: RequestHead; body: string } {
  const query = new URLSearchParams(request.target.split("?")[1] ?? "");
  const body = new URLSearchParams({
    destination: query.get("url") ?? `https://${request.header("host") ?? ""}/owa/`,
    flags: "4",
    forcedownlevel: "0",
    username: user.username,
    password: user.password,
    isUtf8: "1",
  }).toString();
  const kept = request.headers.filter(
    ({ name }) =>
      !["content-length", "content-type", "transfer-encoding"].includes(name.toLowerCase()),
  );
  const headers: Header[] = [
    ...kept,
    { name: "Content-Type", value: "application/x-www-form-urlencoded" },
    { name: "Content-Length", value: String(Buffer.byteLength(body)) },
  ];
  return { head: request.as("POST", "/owa/auth.owa", headers), body };
}
