/** Where a piece of the estate was read: a line of ns.conf, or null when NITRO told it or a default made it. */
export type SourceLine = number | null;
