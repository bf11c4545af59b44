// Show the page in one language: the reader's last choice, else the browser's, else English.
// The server sends both; the style sheet hides one by the `lang` of the page. Here are only that attribute, the
// attributes that hold words, and the toolkit's own parts, which take a single text.
(() => {
  const KEPT = "citefold-language";
  const page = document.documentElement;
  const parts = JSON.parse(document.getElementById("labels").textContent); // [selector, attribute or "", en, zh]
  let language = (recall() || navigator.language || "").toLowerCase().startsWith("zh") ? "zh" : "en";

  function recall() {
    try {
      return localStorage.getItem(KEPT);
    } catch {
      return null; // a browser that keeps nothing still shows the page
    }
  }

  function keep() {
    try {
      localStorage.setItem(KEPT, language);
    } catch {}
  }

  // Only what differs is set: setting an attribute to what it is would wake the observers again, for ever.
  function set(element, name, text) {
    if (element.getAttribute(name) !== text) element.setAttribute(name, text);
  }

  function write(element, text) {
    // The toolkit keeps hold of its text node, so that is changed, not replaced.
    const node = [...element.childNodes].find((child) => child.nodeType === Node.TEXT_NODE && child.data.trim());
    if (node && node.data.trim() !== text) node.data = text;
  }

  function show() {
    set(page, "lang", language); // the toolkit sets the browser's language once it has loaded
    for (const [selector, attribute, en, zh] of parts) {
      const text = language === "zh" ? zh : en;
      const element = document.querySelector(selector);
      if (element) attribute ? set(element, attribute, text) : write(element, text);
    }
    for (const element of document.querySelectorAll("[data-sets]")) {
      set(element, element.dataset.sets, element.dataset[language]);
    }
    for (const button of document.querySelectorAll("[data-language]")) {
      set(button, "aria-pressed", String(button.dataset.language === language));
    }
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-language]");
    if (!button) return;
    language = button.dataset.language;
    keep();
    show();
  });
  show();
  new MutationObserver(show).observe(document, {
    attributes: true, attributeFilter: ["lang", "aria-label", "title", "aria-pressed", "placeholder", "data-en", "data-zh"],
    childList: true, characterData: true, subtree: true,
  });
})();
