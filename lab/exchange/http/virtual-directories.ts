import type { HttpAuthScheme, VirtualDirectory } from "../condition.ts";

/** How a virtual directory of the front end authenticates clients. */
export interface DirectoryFacts {
  readonly directory: VirtualDirectory;
  /** Schemes of its 401, in the order in which IIS offers them; empty if it uses a form instead. */
  readonly schemes: readonly HttpAuthScheme[];
  readonly asks: "challenge" | "form";
}

interface Mapped extends DirectoryFacts {
  readonly prefix: string;
}

/** Default authentication of the front end, 2016 (Microsoft docs: default settings for virtual directories). */
const DIRECTORIES: readonly Mapped[] = [
  { prefix: "/owa", directory: "owa", asks: "form", schemes: [] },
  { prefix: "/ecp", directory: "ecp", asks: "form", schemes: [] },
  { prefix: "/ews", directory: "ews", asks: "challenge", schemes: ["Negotiate", "NTLM"] },
  {
    prefix: "/microsoft-server-activesync",
    directory: "eas",
    asks: "challenge",
    schemes: ["Basic"],
  },
  { prefix: "/mapi", directory: "mapi", asks: "challenge", schemes: ["Negotiate", "NTLM"] },
  { prefix: "/rpc", directory: "rpc", asks: "challenge", schemes: ["Basic", "NTLM", "Negotiate"] },
  { prefix: "/oab", directory: "oab", asks: "challenge", schemes: ["Negotiate", "NTLM"] },
  {
    prefix: "/autodiscover",
    directory: "autodiscover",
    asks: "challenge",
    schemes: ["Basic", "NTLM", "Negotiate"],
  },
  { prefix: "/powershell", directory: "powershell", asks: "challenge", schemes: ["Negotiate"] },
];

/** The virtual directory a path belongs to, or null; IIS compares without regard to case. */
export function directoryOf(path: string, version: "2010" | "2016"): DirectoryFacts | null {
  const lower = path.toLowerCase();
  const found = DIRECTORIES.find(
    ({ prefix }) => lower === prefix || lower.startsWith(`${prefix}/`),
  );
  return found === undefined || (version === "2010" && found.directory === "mapi") ? null : found;
}
