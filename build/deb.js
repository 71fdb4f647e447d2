import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { bundle, LOCK_ADDON, lockAddonFile, noticesOf } from "./bundle.js";
import { manualPage } from "./manual.js";

/**
 * `npm run build:deb [x64|arm64]`: a Debian package in dist-deb, which runs with the system's Node.js. The unit's user
 * exists only while it runs (DynamicUser), so the package makes none; it does not start the agent, which needs a
 * configuration first.
 */
const arch = process.argv[2] ?? process.arch;
const architecture = { x64: "amd64", arm64: "arm64" }[arch];
if (architecture === undefined) {
  throw new Error(`no Debian package for ${arch}: there is no compiled lock`);
}
const repository = join(import.meta.dirname, "..");
const out = join(repository, "dist-deb");
const root = join(out, "root");
const written = (path) => readFileSync(join(repository, path), "utf8");
const { version: npmVersion } = JSON.parse(written("package.json"));
// A release candidate sorts before its release.
const version = npmVersion.replace("-", "~");
const { code, packages } = await bundle();
const {
  DEBFULLNAME: maintainer = "adc-witness maintainers",
  DEBEMAIL: mail = "adc-witness@localhost.localdomain",
} = process.env;
const MAINTAINER = `${maintainer} <${mail}>`;
const packed = (text) => gzipSync(text, { level: 9 });

rmSync(root, { recursive: true, force: true });
put("usr/lib/adc-witness/adc-witness.cjs", `#!/usr/bin/node\n${code}`, 0o755);
put(`usr/lib/adc-witness/${LOCK_ADDON}`, readFileSync(lockAddonFile("linux", arch)));
if (arch === process.arch) {
  // binutils of this machine know no other architecture's files.
  execFileSync("strip", ["--strip-unneeded", join(root, "usr/lib/adc-witness", LOCK_ADDON)]);
}
mkdirSync(join(root, "usr/bin"), { recursive: true });
symlinkSync("../lib/adc-witness/adc-witness.cjs", join(root, "usr/bin/adc-witness"));
put("etc/adc-witness/adc-witness.yml", written("docs/examples/adc-witness.yml"));
put(
  "usr/lib/systemd/system/adc-witness.service",
  written("deploy/systemd/adc-witness.service")
    .replaceAll("/usr/bin/node /opt/adc-witness/dist/src/cli/main.js", "/usr/bin/adc-witness")
    .replace("file:///opt/adc-witness/docs/README.md", "man:adc-witness(1)"),
);
put("usr/share/man/man1/adc-witness.1.gz", packed(manualPage(npmVersion)));
put(
  "usr/share/bash-completion/completions/adc-witness",
  execFileSync(process.execPath, [join(repository, "dist/src/cli/main.js"), "completion", "bash"]),
);
put("usr/share/doc/adc-witness/CHANGELOG.md.gz", packed(written("CHANGELOG.md")));
put(
  "usr/share/doc/adc-witness/changelog.gz",
  packed(
    `adc-witness (${version}) unstable; urgency=medium\n\n  * What has changed stands in CHANGELOG.md.gz.\n\n -- ${MAINTAINER}  ${new Date().toUTCString().replace("GMT", "+0000")}\n`,
  ),
);
put(
  "usr/share/doc/adc-witness/copyright",
  `adc-witness: Apache-2.0, see /usr/share/common-licenses/Apache-2.0\n\n${withoutApacheText(noticesOf(packages))}`,
);
put(
  "usr/share/lintian/overrides/adc-witness",
  `# The project has no mail address of its own: DEBFULLNAME and DEBEMAIL of whoever builds it for others take its place.
adc-witness: bogus-mail-host *
adc-witness: bogus-mail-host-in-debian-changelog *
`,
);
put(
  "DEBIAN/control",
  `Package: adc-witness
Version: ${version}
Architecture: ${architecture}
Maintainer: ${MAINTAINER}
Section: net
Priority: optional
Depends: nodejs (>= 20.19), libc6
Recommends: fping | iputils-ping
Description: second opinion for a NetScaler in front of Microsoft Exchange
 Imports every monitor from the load balancer, repeats it, talks to the servers
 as a mail client does, and says where state and service disagree, and why.
`,
);
put("DEBIAN/conffiles", "/etc/adc-witness/adc-witness.yml\n");
const reload = `if [ -z "\${DPKG_ROOT:-}" ] && [ -d /run/systemd/system ]; then systemctl daemon-reload || true; fi`;
put("DEBIAN/postinst", `#!/bin/sh\nset -e\n${reload}\n`, 0o755);
put(
  "DEBIAN/prerm",
  `#!/bin/sh\nset -e\nif [ "$1" = remove ] && [ -z "\${DPKG_ROOT:-}" ] && [ -d /run/systemd/system ]; then systemctl disable --now adc-witness.service || true; fi\n`,
  0o755,
);
put(
  "DEBIAN/postrm",
  `#!/bin/sh\nset -e\n${reload}\nif [ "$1" = purge ]; then rm -rf "\${DPKG_ROOT:-}/var/lib/adc-witness" "\${DPKG_ROOT:-}/var/lib/private/adc-witness"; fi\n`,
  0o755,
);
const file = join(out, `adc-witness_${version}_${architecture}.deb`);
execFileSync("dpkg-deb", ["--root-owner-group", "-Zxz", "--build", root, file], {
  stdio: "inherit",
});

function put(path, content, mode = 0o644) {
  const target = join(root, path);
  mkdirSync(dirname(target), { recursive: true, mode: 0o755 });
  writeFileSync(target, content);
  chmodSync(target, mode);
}

/** Debian has the licence's text once, for all packages; other notices stay. */
function withoutApacheText(notices) {
  const text =
    /^ *Apache License\n *Version 2\.0, January 2004\n[\s\S]*?limitations under the License\.\n/gm;
  return notices.replace(text, "The text is in /usr/share/common-licenses/Apache-2.0.\n");
}
