/** RC4, which OpenSSL 3 offers no more: NTLM's key exchange encrypts one 16-byte session key with it. For nothing else. */
export function rc4(key: Uint8Array, data: Uint8Array): Buffer {
  const box = Uint8Array.from({ length: 256 }, (_, i) => i);
  const at = (i: number): number => box[i & 0xff] ?? 0;
  const swap = (i: number, j: number): void => {
    [box[i], box[j]] = [at(j), at(i)];
  };
  for (let i = 0, j = 0; i < 256; i += 1) {
    j = (j + at(i) + (key[i % key.length] ?? 0)) & 0xff;
    swap(i, j);
  }
  let i = 0;
  let j = 0;
  return Buffer.from(
    Uint8Array.from(data, (byte) => {
      i = (i + 1) & 0xff;
      j = (j + at(i)) & 0xff;
      swap(i, j);
      return byte ^ at(at(i) + at(j));
    }),
  );
}
