/** Of ldapts, what the page of lint asks: whether a text is a filter. Balanced, and each part a comparison (RFC 4515). */
exports.FilterParser = {
  parseString(text) {
    const parts = text.replace(/\\[\da-f]{2}/gi, "").split(/[()&|!]+/);
    const depth = [...text].reduce(
      (sum, one) => (sum < 0 ? sum : sum + (one === "(" ? 1 : one === ")" ? -1 : 0)),
      0,
    );
    const filled = parts.filter((part) => part.trim() !== "");
    if (depth !== 0 || filled.length === 0 || !filled.every((part) => part.includes("="))) {
      throw new Error("not a filter");
    }
    return {};
  },
};
