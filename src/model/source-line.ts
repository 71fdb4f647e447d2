/** Where a piece of the estate was read: a line of ns.conf, or null if it comes from NITRO or a default. */
export type SourceLine = number | null;
