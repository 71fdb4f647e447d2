/** Stands for what of Node.js the page of lint never calls; see lint-page.js. */
const none = new Proxy(function () {}, {
  get: (own, key) =>
    key === "prototype" ? own.prototype : key === Symbol.toPrimitive ? () => "" : none,
  apply: () => none,
  construct: () => none,
});

export { none as Buffer, none as process };
