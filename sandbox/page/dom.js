/**
 * Descriptions of elements, and the one place that turns them into elements. Texts become text nodes, never HTML, so
 * nothing that somebody typed can become markup.
 */

const SVG = 'http://www.w3.org/2000/svg';
/** Set when an element is made and then left to the person who types, opens or chooses. */
const INITIAL = new Set(['value', 'open', 'checked', 'selected']);

/** An element: tag, attributes or null, and children; null, false and undefined children are left out. */
export function h(tag, attributes, ...children) {
  return { tag, attributes: attributes ?? {}, children: children.flat(9).filter(isShown).map(asChild) };
}

/**
 * Makes the children of `parent` what is described, keeping elements that stay: focus, scroll and typed text survive.
 *
 * Elements with a `key` are found again when others come or go before them.
 */
export function patch(parent, described) {
  const wanted = [described].flat(9).filter(isShown).map(asChild);
  const keys = new Set(wanted.map((item) => item.attributes?.key).filter((key) => key !== undefined));
  wanted.forEach((item, index) => {
    const present = parent.childNodes[index];
    if (present && isSame(present, item)) return update(present, item);
    const known = laterChild(parent, index, item);
    if (known) {
      present.before(known);
      return update(known, item);
    }
    const made = make(item, parent.namespaceURI === SVG ? SVG : null);
    if (!present) parent.append(made);
    else if (keys.has(present.dataKey)) present.before(made);
    else present.replaceWith(made);
  });
  while (parent.childNodes.length > wanted.length) parent.lastChild.remove();
}

function laterChild(parent, index, item) {
  if (item.attributes?.key === undefined) return null;
  return Array.from(parent.childNodes)
    .slice(index + 1)
    .find((child) => isSame(child, item));
}

function isShown(child) {
  return child !== null && child !== undefined && child !== false;
}

function asChild(child) {
  return typeof child === 'object' ? child : String(child);
}

function isSame(node, item) {
  if (typeof item === 'string') return node.nodeType === Node.TEXT_NODE;
  return node.localName === item.tag && node.dataKey === item.attributes.key;
}

function make(item, inherited) {
  if (typeof item === 'string') return document.createTextNode(item);
  const namespace = item.tag === 'svg' ? SVG : inherited;
  const element = namespace ? document.createElementNS(namespace, item.tag) : document.createElement(item.tag);
  element.dataKey = item.attributes.key;
  element.handlers = {};
  // Options come before the value of their select.
  setAttributes(element, item.attributes, false);
  patch(element, item.children);
  for (const name of INITIAL) if (name in item.attributes) element[name] = item.attributes[name];
  return element;
}

function update(node, item) {
  if (typeof item === 'string') {
    if (node.data !== item) node.data = item;
    return;
  }
  setAttributes(node, item.attributes, true);
  if (item.tag !== 'textarea') patch(node, item.children);
}

function setAttributes(element, attributes, isUpdate) {
  if (isUpdate) removeOthers(element, attributes);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === 'key' || INITIAL.has(name)) continue;
    if (name.startsWith('on')) handle(element, name.slice(2), value);
    else setAttribute(element, name, value);
  }
}

function removeOthers(element, attributes) {
  for (const name of element.getAttributeNames()) {
    if (!(name in attributes) && !INITIAL.has(name)) element.removeAttribute(name);
  }
}

function setAttribute(element, name, value) {
  if (value === false || value === null || value === undefined) element.removeAttribute(name);
  else if (element.getAttribute(name) !== String(value)) element.setAttribute(name, value === true ? '' : value);
}

function handle(element, type, handler) {
  if (!element.handlers[type]) element.addEventListener(type, (event) => element.handlers[type](event));
  element.handlers[type] = handler;
}
