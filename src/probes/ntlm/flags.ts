/** NEGOTIATE flags (MS-NLMP 2.2.2.5) that these messages use. */
export const NTLM_FLAG = {
  unicode: 0x00000001,
  oem: 0x00000002,
  requestTarget: 0x00000004,
  sign: 0x00000010,
  seal: 0x00000020,
  ntlm: 0x00000200,
  alwaysSign: 0x00008000,
  extendedSessionSecurity: 0x00080000,
  targetInfo: 0x00800000,
  version: 0x02000000,
  key128: 0x20000000,
  keyExchange: 0x40000000,
  key56: 0x80000000,
} as const;

/** What a Windows client of today offers, without OEM strings and LM keys. */
export const CLIENT_FLAGS = combine([
  NTLM_FLAG.unicode,
  NTLM_FLAG.requestTarget,
  NTLM_FLAG.sign,
  NTLM_FLAG.ntlm,
  NTLM_FLAG.alwaysSign,
  NTLM_FLAG.extendedSessionSecurity,
  NTLM_FLAG.targetInfo,
  NTLM_FLAG.version,
  NTLM_FLAG.key128,
  NTLM_FLAG.keyExchange,
  NTLM_FLAG.key56,
]);

export function combine(flags: readonly number[]): number {
  return flags.reduce((all, flag) => (all | flag) >>> 0, 0);
}

export function hasFlag(flags: number, flag: number): boolean {
  return (flags & flag) >>> 0 === flag;
}
