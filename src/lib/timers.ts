/** What Node's timers can last; one that is set for longer fires at once. */
export const LONGEST_TIMER_MS = 0x7fff_ffff;
