/** Replaces the parts of Node.js that the lint page never calls; see lint-page.js. */
const none = new Proxy(function () {}, {
  get: (own, key) =>
    key === "prototype" ? own.prototype : key === Symbol.toPrimitive ? () => "" : none,
  apply: () => none,
  construct: () => none,
});

export { none as Buffer, none as process };
