/** A secret planted in a test, and every form in which it might come to light. */
export interface Canary {
  readonly what: string;
  readonly value: string;
}

interface Form {
  readonly name: string;
  readonly text: string;
}

/** Where a canary shows in a text, `null` where none does. Letter case is no disguise. */
export function findCanary(canaries: readonly Canary[], text: string): string | null {
  const lower = text.toLowerCase();
  for (const canary of canaries) {
    for (const { name, text: form } of formsOf(canary.value)) {
      const at = lower.indexOf(form.toLowerCase());
      if (at >= 0) {
        return `${canary.what} as ${name}: …${text.slice(Math.max(0, at - 120), at + form.length + 20)}…`;
      }
    }
  }
  return null;
}

function formsOf(value: string): Form[] {
  return [
    { name: "itself", text: value },
    { name: "URL-encoded", text: encodeURIComponent(value) },
    { name: "a form's field", text: new URLSearchParams({ _: value }).toString().slice(2) },
    { name: "JSON", text: JSON.stringify(value).slice(1, -1) },
    { name: "HTML", text: value.replaceAll("&", "&amp;").replaceAll('"', "&quot;") },
    { name: "hex", text: Buffer.from(value).toString("hex") },
    { name: "hex of UTF-16", text: Buffer.from(value, "utf16le").toString("hex") },
    ...inBase64(Buffer.from(value)).map((text) => ({ name: "base64", text })),
    ...inBase64(Buffer.from(value, "utf16le")).map((text) => ({ name: "base64 of UTF-16", text })),
  ];
}

/** What base64 makes of these bytes whatever stands before and after them: one text for each of the three alignments. */
function inBase64(bytes: Buffer): string[] {
  return [0, 1, 2].map((before) => {
    const encoded = Buffer.concat([Buffer.alloc(before), bytes]).toString("base64");
    const first = Math.ceil((before * 8) / 6);
    const whole = Math.floor(((before + bytes.length) * 8) / 6);
    return encoded.slice(first, whole);
  });
}
