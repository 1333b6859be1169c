// The page in another language. Sentences are known by what they are in English, wherever they come from; a value in one is
// {}, an element <1>. window.facezooWords comes before the page, and is missing in English.
(() => {
  document.addEventListener('change', event => {
    if (!event.target.matches('select[data-languages]')) return;
    document.cookie = `${event.target.dataset.languages}=${event.target.value}; path=/; max-age=31536000; samesite=lax`;
    location.reload();
  });

  const root = document.documentElement, served = root.lang; // gradio sets the browser's, whatever was chosen
  new MutationObserver(() => {
    if (root.lang !== served) root.lang = served;
  }).observe(root, { attributes: true, attributeFilter: ['lang'] });

  const { language, sentences } = window.facezooWords ?? {};
  if (!sentences) return;
  const READ = ['alt', 'aria-label', 'aria-valuetext', 'title', 'placeholder', 'data-label', 'data-asks'];
  const ALONE = '[translate=no], script, style, code, pre, textarea';
  const MOST = 4000; // sentences with values that are remembered

  const patterns = Object.keys(sentences).filter(each => each.includes('{}')).map(english => {
    const pieces = english.split('{}');
    const source = pieces.map(each => each.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('(.+?)');
    const fixed = pieces.reduce((a, b) => (a.length < b.length ? b : a));
    return { english, fixed, length: pieces.join('').length, shape: new RegExp(`^${source}$`, 's') };
  }).sort((a, b) => b.length - a.length);
  const known = new Map();

  function said(english, depth = 0) { // '' when nobody has translated it
    if (Object.hasOwn(sentences, english)) return sentences[english];
    if (known.has(english)) return known.get(english);
    let found = '';
    for (const { english: key, fixed, shape } of patterns) {
      const values = english.includes(fixed) && shape.exec(english);
      if (!values) continue;
      let next = 1;
      found = sentences[key].replace(/\{(\d?)\}/g, (_, number) => {
        const value = values[number || next++];
        return (depth < 3 && said(value.trim(), depth + 1)) || value;
      });
      break;
    }
    if (known.size > MOST) known.clear();
    known.set(english, found);
    return found;
  }

  const shown = new WeakMap(); // what we wrote: text node -> words, element -> {attribute: words}
  const tidy = text => text.replace(/\s+/g, ' ').trim();
  const isText = node => node.nodeType === Node.TEXT_NODE;
  const speaks = node => isText(node) && node.data.trim();

  function write(node, words) {
    const [, before, after] = /^(\s*)[^]*?(\s*)$/.exec(node.data);
    const text = before + words + after;
    shown.set(node, text);
    if (node.data !== text) node.data = text;
  }

  function arrange(parent, run, words) {
    const texts = run.filter(isText), elements = run.filter(each => !isText(each)), after = run.at(-1).nextSibling;
    const order = [];
    for (const [at, piece] of words.split(/<(\d+)>/).entries()) {
      const element = at % 2 && elements[piece - 1];
      if (element) order.push(element);
      else if (piece && !(at % 2)) {
        const node = texts.shift() ?? document.createTextNode('');
        shown.set(node, piece);
        node.data = piece;
        order.push(node);
      }
    }
    for (const rest of texts) {
      shown.set(rest, '');
      rest.data = '';
    }
    const now = run.filter(each => order.includes(each));
    if (now.length === order.length && now.every((each, i) => each === order[i])) return;
    for (const each of order) parent.insertBefore(each, after);
  }

  function speak(parent) {
    if (!parent || parent.closest?.(ALONE)) return;
    const run = [...parent.childNodes].filter(each => each.nodeType !== Node.COMMENT_NODE && !(isText(each) && !each.data));
    while (run.length && !speaks(run[0])) run.shift();
    while (run.length && !speaks(run.at(-1))) run.pop();
    const texts = run.filter(speaks);
    if (!texts.length || texts.every(each => shown.get(each) === each.data)) return;
    if (run.length > 1) {
      let number = 0;
      const words = said(tidy(run.map(each => (isText(each) ? each.data : `<${++number}>`)).join('')));
      if (words) {
        arrange(parent, run, words);
        return;
      }
    }
    for (const each of texts) {
      const words = shown.get(each) === each.data ? '' : said(tidy(each.data));
      if (words) write(each, words);
    }
  }

  function read(element, name) {
    const value = element.getAttribute(name), ours = shown.get(element) ?? {};
    if (!value || ours[name] === value || element.closest('[translate=no]')) return;
    const words = said(tidy(value));
    if (!words) return;
    shown.set(element, { ...ours, [name]: words });
    element.setAttribute(name, words);
  }

  function whole(part) {
    for (const element of [part, ...part.querySelectorAll('*')]) {
      speak(element);
      for (const name of READ) if (element.hasAttribute(name)) read(element, name);
      if (element.matches('select[data-languages]')) element.value = language;
    }
  }

  new MutationObserver(changes => {
    for (const { type, target, addedNodes, attributeName } of changes) {
      if (type === 'characterData') speak(target.parentElement);
      else if (type === 'attributes') read(target, attributeName);
      else for (const each of addedNodes) {
        if (isText(each)) speak(each.parentElement);
        else if (each.nodeType === Node.ELEMENT_NODE && each.isConnected) {
          speak(each.parentElement);
          whole(each);
        }
      }
    }
  }).observe(root, { subtree: true, childList: true, characterData: true, attributes: true, attributeFilter: READ });
  whole(root);
})();
