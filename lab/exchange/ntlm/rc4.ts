/** RC4, which OpenSSL 3 keeps in its legacy provider; NTLM wraps its session key with it. */
export function rc4(key: Uint8Array, data: Uint8Array): Buffer {
  const state = Uint8Array.from({ length: 256 }, (_, index) => index);
  const at = (index: number): number => state[index & 255] ?? 0;
  let j = 0;
  for (let i = 0; i < 256; i++) {
    j = (j + at(i) + (key[i % key.length] ?? 0)) & 255;
    [state[i], state[j]] = [at(j), at(i)];
  }
  const output = Buffer.alloc(data.length);
  let i = 0;
  j = 0;
  data.forEach((byte, index) => {
    i = (i + 1) & 255;
    j = (j + at(i)) & 255;
    [state[i], state[j]] = [at(j), at(i)];
    output[index] = byte ^ at(at(i) + at(j));
  });
  return output;
}
