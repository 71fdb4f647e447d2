/** An RPC interface: UUID and version. */
export interface RpcInterface {
  readonly uuid: string;
  readonly major: number;
  readonly minor: number;
}

/** The endpoint mapper (C706 appendix O). */
export const EPM: RpcInterface = {
  uuid: "e1af8308-5d1f-11c9-91a4-08002b14a0fa",
  major: 3,
  minor: 0,
};
/** Exchange's mailbox interface (MS-OXCRPC 1.9). */
export const EMSMDB: RpcInterface = {
  uuid: "a4f1db00-ca47-1067-b31f-00dd010662da",
  major: 0,
  minor: 81,
};
/** NDR 2.0, the transfer syntax every server knows (C706 appendix I). */
export const NDR: RpcInterface = {
  uuid: "8a885d04-1ceb-11c9-9fe8-08002b104860",
  major: 2,
  minor: 0,
};

/** The 16 bytes of a UUID as little-endian RPC carries it: the first three groups turned around. */
export function uuidBytes(uuid: string): Buffer {
  const bytes = Buffer.from(uuid.replaceAll("-", ""), "hex");
  bytes.subarray(0, 4).reverse();
  bytes.subarray(4, 6).reverse();
  bytes.subarray(6, 8).reverse();
  return bytes;
}
