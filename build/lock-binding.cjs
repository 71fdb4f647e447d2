"use strict";
// In a bundle: the compiled part of fs-native-extensions, an asset of the executable or a file beside the script.
const { mkdtempSync, rmSync, writeFileSync } = require("node:fs");
const { tmpdir } = require("node:os");
const { join } = require("node:path");

const NAME = "fs-native-extensions.node";

function open(file) {
  const opened = { exports: {} };
  process.dlopen(opened, file);
  return opened.exports;
}

function asset() {
  try {
    const sea = process.getBuiltinModule("node:sea");
    return sea?.isSea() ? sea.getRawAsset(NAME) : null;
  } catch {
    return null;
  }
}

/** The system opens files only: a folder that nobody else can enter, gone again as soon as it is opened. */
function openAsset(content) {
  const folder = mkdtempSync(join(tmpdir(), "adc-witness-lock-"));
  try {
    const file = join(folder, NAME);
    writeFileSync(file, new Uint8Array(content), { mode: 0o700, flag: "wx" });
    return open(file);
  } finally {
    try {
      rmSync(folder, { recursive: true, force: true });
    } catch {
      // Windows keeps a file that is in use.
    }
  }
}

const content = asset();
module.exports = content === null ? open(join(__dirname, NAME)) : openAsset(content);
