/** The independent checkers that judge the same server at the same time. */
export const PEERS = ["blackbox", "haproxy", "plugins"] as const;
export type Peer = (typeof PEERS)[number];

/** Why one of them has the opposite opinion. */
export const DIFFERENCES = {
  body: "reads the whole body before it judges; a monitor has its answer with the status, or with the pattern",
  bound: "takes any amount of headers; ours are bounded",
  status: "wants a 2xx besides; at an ECV monitor the pattern alone decides, as at the ADC",
  status_line: "has its answer with the status line",
  length: "minds no Content-Length",
  interim: "takes an interim answer for the last one",
  first_line: "looks for what it expects anywhere in the first line",
  start: "compares from the first byte on; TCP-ECV searches the stream",
  greeting: "is content with a 220, whatever comes after it",
  piece: "judges a greeting that comes in pieces by the first of them",
  one_line: "knows greetings of one line only",
  crlf: "wants CRLF at a line's end",
  quit: "wants a good answer to QUIT besides",
  helo: "sends the EHLO it was told; Net::SMTP and we fall back to HELO",
  renegotiation: "refuses renegotiation, as Go does; OpenSSL takes part",
  line: "matches whole lines; TCP-ECV searches the stream",
  timing: "judges by how the bytes happen to fall into its reads, now up and now down",
} as const;
export type Difference = keyof typeof DIFFERENCES;
/** A peer that says one thing or the other of the same server has no opinion to compare. */
export const EITHER: Difference = "timing";
export type Differences = Readonly<Partial<Record<Peer, Difference>>>;
