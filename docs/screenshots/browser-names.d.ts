/*
 * playwright-core's types name a few of the browser's own. Nothing of ours uses them, and TypeScript's DOM library would
 * let code of the server use the rest of it by mistake: these names are all there is.
 */
interface Node {
  readonly nodeName: string;
}
interface HTMLElement extends Node {
  readonly tagName: string;
}
interface SVGElement extends Node {
  readonly tagName: string;
}
interface HTMLElementTagNameMap {
  readonly a: HTMLElement;
}
