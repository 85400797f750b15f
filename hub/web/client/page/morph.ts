/** Makes one element as another one is, and touches nothing that is the same already or that somebody works in. */

/** What readers and scripts change themselves. */
const OWN_ATTRIBUTES: ReadonlySet<string> = new Set(["open", "data-said"]);

export function morph(from: Element, to: Element): void {
  if (from.isEqualNode(to) || from.hasAttribute("data-keep")) return;
  attributes(from, to);
  const left = new Map([...from.children].flatMap((child) => (keyOf(child) ? [[keyOf(child), child]] : [])));
  let at: ChildNode | null = from.firstChild;
  for (const wanted of [...to.childNodes]) {
    const known = wanted instanceof Element ? left.get(keyOf(wanted)) : undefined;
    if (known && known !== at) {
      from.insertBefore(known, at);
      at = known;
    }
    const present: ChildNode | null = at;
    if (present && isSame(present, wanted)) {
      at = present.nextSibling;
      if (present instanceof Element && wanted instanceof Element) morph(present, wanted);
      else if (present.nodeValue !== wanted.nodeValue) present.nodeValue = wanted.nodeValue;
    } else {
      from.insertBefore(document.importNode(wanted, true), present);
    }
  }
  while (at) {
    const next: ChildNode | null = at.nextSibling;
    at.remove();
    at = next;
  }
}

function keyOf(element: Element): string | undefined {
  return element.getAttribute("data-key") ?? (element.id || undefined);
}

function isSame(present: ChildNode, wanted: ChildNode): boolean {
  if (present.nodeName !== wanted.nodeName) return false;
  return !(present instanceof Element && wanted instanceof Element) || keyOf(present) === keyOf(wanted);
}

function attributes(from: Element, to: Element): void {
  for (const { name, value } of [...to.attributes])
    if (!OWN_ATTRIBUTES.has(name) && from.getAttribute(name) !== value) from.setAttribute(name, value);
  for (const { name } of [...from.attributes])
    if (!OWN_ATTRIBUTES.has(name) && !to.hasAttribute(name)) from.removeAttribute(name);
}
