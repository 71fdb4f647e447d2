declare module "*.conf" {
  /** The file, as build/lint-page.js puts it in. */
  export const text: string;
}
