import { chromium, type Browser } from "playwright-core";
import { missing } from "./real-servers.ts";

const CHROMIUM = "/usr/bin/chromium";

/** Why a suite that needs a browser must be skipped, or null. Under CI a missing browser is an error. */
export function browserMissing(): string | null {
  return missing(CHROMIUM, "chromium");
}

/** Debian's Chromium, quiet: no profile, no update, no network of its own. */
export function launchBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: CHROMIUM,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}
