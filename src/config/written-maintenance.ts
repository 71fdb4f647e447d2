import { z } from "zod";
import { parseCron } from "./cron.ts";
import { duration, flag, listOf, name, pattern, says, text, words } from "./leaves.ts";

const INSTANT = says(
  "a time with its zone, for example 2026-12-01T20:00:00+01:00",
  "write such a time",
);
const INSTANT_PATTERN = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2})?(?:Z|[+-]\d{2}:\d{2})$/;
const instant = (): z.ZodString =>
  z
    .string(INSTANT)
    .min(1, INSTANT)
    .refine((value) => INSTANT_PATTERN.test(value) && !Number.isNaN(Date.parse(value)), INSTANT);

/** One of `maintenance.windows`. */
export const window = z.strictObject(
  {
    name: name().describe("Windows are known by their names."),
    servers: listOf(pattern(), "servers or patterns")
      .min(1, says("at least one server", "add it"))
      .describe("Server names, with * for any run of characters."),
    start: instant().optional().describe("Begin of a fixed window."),
    end: z
      .union([z.literal("never"), instant()], says("a time with its zone, or never", "correct it"))
      .optional()
      .describe("End of a fixed window; never for a parked server."),
    cron: text(
      "five cron fields: minute hour day month weekday",
      "write for example 0 22 * * 2",
      (value) => parseCron(value) !== null,
    )
      .optional()
      .describe("Begin of a recurring window; a day must match both day fields."),
    timezone: text("a time zone such as Europe/Berlin", "write its IANA name", isTimeZone)
      .optional()
      .describe("Time zone of `cron`."),
    duration: duration().optional().describe("Length of a recurring window."),
    reason: words("a text").optional().describe("Why, for those who look at the page."),
    author: words("a text").optional().describe("Who declared it."),
    auto_end: flag()
      .default(false)
      .describe("Ends by itself when everything was good for the stability time."),
    flexible: flag()
      .default(false)
      .describe("Begins when the server first goes bad inside the window."),
  },
  says("a mapping with name and servers", "write the keys below it"),
);

function isTimeZone(value: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: value });
    return true;
  } catch {
    // The only way to ask is to try: an unknown zone throws.
    return false;
  }
}
