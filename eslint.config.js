import regexp from "eslint-plugin-regexp";
import tseslint from "typescript-eslint";

const RESTRICTED = [
  { selector: "ExportDefaultDeclaration", message: "Named exports only." },
  {
    selector: "ImportExpression[source.value=/^node:/]",
    message: "Import Node's modules statically.",
  },
  {
    selector: "MemberExpression[object.name='URL'][property.name='canParse']",
    message: "It allows what the constructor refuses: use parseUrl.",
  },
  {
    selector:
      "ImportDeclaration[source.value='node:perf_hooks'] > ImportSpecifier[imported.name='performance']",
    message: "Fake timers do not reach it: use the global `performance`.",
  },
];

const RESET = {
  selector: "CallExpression[callee.property.name='resetAndDestroy']",
  message: "Beside a FIN on its way it loses the descriptor: use resetSocket.",
};

export default tseslint.config(
  {
    ignores: [
      "dist/**",
      "dist-executable/**",
      "dist-deb/**",
      "build/lock-binding.cjs",
      "build/ldapts-shim.cjs",
      "coverage/**",
      "node_modules/**",
    ],
  },
  ...tseslint.configs.recommendedTypeChecked,
  {
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      "@typescript-eslint/no-floating-promises": "error",
      "@typescript-eslint/no-misused-promises": "error",
      "@typescript-eslint/no-explicit-any": "error",
      "@typescript-eslint/no-non-null-assertion": "error",
      "@typescript-eslint/consistent-type-imports": "error",
      "@typescript-eslint/switch-exhaustiveness-check": [
        "error",
        { considerDefaultExhaustiveForUnions: true },
      ],
      "@typescript-eslint/return-await": ["error", "in-try-catch"],
      "@typescript-eslint/require-await": "off",
      "no-console": "error",
      "no-shadow": "off",
      "@typescript-eslint/no-shadow": "error",
      curly: ["error", "all"],
      eqeqeq: "error",
      "no-restricted-syntax": ["error", ...RESTRICTED],
    },
  },
  {
    // Expressions that meet outside text take linear time: see test/security/expressions.test.ts.
    files: ["src/**/*.ts"],
    plugins: { regexp },
    rules: {
      "no-restricted-syntax": [
        "error",
        ...RESTRICTED,
        {
          selector: ":matches(NewExpression, CallExpression)[callee.name='RegExp']",
          message: "Patterns from outside backtrack: use compileGlob or a literal.",
        },
        RESET,
      ],
      "regexp/no-super-linear-backtracking": ["error", { report: "potential" }],
      "regexp/no-super-linear-move": ["error", { report: "potential", ignorePartial: false }],
    },
  },
  {
    files: ["lab/**/*.ts", "bench/**/*.ts"],
    rules: { "no-restricted-syntax": ["error", ...RESTRICTED, RESET] },
  },
  {
    files: ["test/**/*.ts"],
    rules: {
      "no-restricted-syntax": [
        "error",
        ...RESTRICTED,
        {
          selector:
            "Program:has(MemberExpression[property.name='concurrent']) :matches(ImportSpecifier[imported.name='onTestFinished'], ImportDeclaration[source.value=/temporary-folder/])",
          message:
            "Vitest's global onTestFinished belongs to whichever concurrent test runs: take the context's.",
        },
      ],
    },
  },
  { files: ["src/cli/**/*.ts", "bench/**/*.ts"], rules: { "no-console": "off" } },
  {
    files: ["**/*.js", "vitest.config.ts"],
    extends: [tseslint.configs.disableTypeChecked],
    rules: { "no-restricted-syntax": "off" },
  },
);
