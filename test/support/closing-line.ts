import type { Reporter, TestModule } from "vitest/node";

/** Ends a run with one plain line, `N passed, N failed, N skipped`, for people and programs that read the tail. */
export class ClosingLine implements Reporter {
  readonly #packages = new Set<string>();

  /** `debianProgram` says there which package a skipped test needs. */
  onUserConsoleLog({ content }: { readonly content: string }): void {
    const name = /^skipped: .*apt-get install (\S+)/m.exec(content)?.[1];
    if (name !== undefined) {
      this.#packages.add(name);
    }
  }

  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    const counts = { passed: 0, failed: unhandledErrors.length, skipped: 0 };
    for (const module of modules) {
      let tests = 0;
      for (const test of module.children.allTests()) {
        tests += 1;
        const { state } = test.result();
        if (state === "passed" || state === "failed" || state === "skipped") {
          counts[state] += 1;
        } else {
          counts.failed += 1;
        }
      }
      // A file that could not even be loaded has no tests, and must not pass for that.
      if (tests === 0 || (module.state() === "failed" && module.errors().length > 0)) {
        counts.failed += module.state() === "failed" ? 1 : 0;
      }
    }
    if (this.#packages.size > 0) {
      const packages = [...this.#packages].sort().join(" ");
      process.stdout.write(`\nskipped what needs more programs: apt-get install ${packages}\n`);
    }
    const skipped = counts.skipped > 0 ? `, ${String(counts.skipped)} skipped` : "";
    process.stdout.write(
      `\n${String(counts.passed)} passed, ${String(counts.failed)} failed${skipped}\n`,
    );
  }
}
