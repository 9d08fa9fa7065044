/** What is wrong with a text as XML without comments and the like, or ''. */
export function nestingOf(text: string): string {
  const odd = /[^\t\n\r\x20-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u.exec(text);
  if (odd !== null) return `has a character ${odd[0].codePointAt(0)}`;
  const open: string[] = [];
  const token = /<(\/?)([a-z]+)((?:\s+[\w:-]+="[^"<>&]*")*)\s*(\/?)>|([^<]+)/gy;
  let roots = 0;
  while (token.lastIndex < text.length) {
    const at = token.lastIndex;
    const [, closes, name = '', attributes = '', isEmpty, words] = token.exec(text) ?? [];
    if (token.lastIndex === 0) return `no tag at ${text.slice(at, at + 40)}`;
    if (words !== undefined) {
      if (/&(?!(amp|lt|gt);)/.test(words)) return `no text: ${words}`;
      if (open.length === 0 && words.trim() !== '') return `text outside: ${words}`;
      continue;
    }
    const names = [...attributes.matchAll(/([\w:-]+)=/g)].map(([, each]) => each);
    if (new Set(names).size !== names.length) return `twice in ${name}`;
    if (closes === '/') {
      if (open.pop() !== name) return `</${name}> closes another`;
      continue;
    }
    if (open.length === 0) roots += 1;
    if (isEmpty !== '/') open.push(name);
  }
  return open.length === 0 && roots === 1 ? '' : `${open.length} are open, ${roots} roots`;
}
