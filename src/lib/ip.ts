/** Which IP version a text is a literal of. Pure functions of Node's `net`, in the one file that all rooms may import. */
export { BlockList, isIP, isIPv4, isIPv6 } from "node:net";
