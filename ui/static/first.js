// The first screen: a question box that takes typing while the toolkit loads. What was typed, and where the caret
// stands, goes to the question box of the page once that is there; a question that was sent is asked then.
(() => {
  const LATEST_MS = 20000; // then the page is shown as it is, with whatever the toolkit says of itself
  const FIRST_PATCH_MS = 2000; // a question waits this long at most for the conversation that is opened
  const PARTS = ["#masthead header", "#chat .html-container", "#question textarea", "#send", "#status"];
  const template = document.getElementById("first-screen");
  let first = null; // the first screen while it stands
  let sent = false;
  let composing = false; // an input method is at work in the box: it must not go from under it
  const known = new URL(location.href).searchParams.has("c"); // a conversation is opened, which the server sends
  let loaded = !known; // a question may be asked: it would be lost to what comes of an earlier conversation

  function place() {
    if (!document.body || first) return Boolean(first);
    first = template.content.firstElementChild.cloneNode(true);
    first.classList.toggle("known", known);
    document.body.prepend(first);
    const box = first.querySelector("textarea");
    box.focus();
    box.addEventListener("compositionstart", () => (composing = true));
    box.addEventListener("compositionend", () => {
      composing = false;
      setTimeout(handOver);
    });
    box.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      send();
    });
    first.querySelector("form").addEventListener("submit", (event) => {
      event.preventDefault();
      send();
    });
    setTimeout(remove, LATEST_MS);
    return true;
  }

  function send() {
    const box = first.querySelector("textarea");
    if (!box.value.trim()) return;
    sent = true;
    box.readOnly = true;
    first.classList.add("sent");
  }

  // Once the question box of the page is there it takes over, within the same frame.
  function handOver() {
    if (!first || composing || !PARTS.every((part) => document.querySelector(part))) return;
    const from = first.querySelector("textarea");
    const to = document.querySelector("#question textarea");
    const { value, selectionStart, selectionEnd } = from;
    const focused = document.activeElement === from || document.activeElement === document.body;
    remove();
    if (value && value !== to.value) {
      // Through the setter of the browser, so that the toolkit takes note.
      Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, "value").set.call(to, value);
      to.dispatchEvent(new Event("input", { bubbles: true }));
    }
    if (focused) to.focus();
    if (focused) to.setSelectionRange(selectionStart, selectionEnd);
    if (sent) setTimeout(ask, loaded ? 0 : FIRST_PATCH_MS);
  }

  function ask() {
    if (sent) document.getElementById("send").click();
    sent = false;
  }

  function remove() {
    if (first) first.remove();
    first = null;
    watch.disconnect();
  }

  citefold.afterPatch((patch) => {
    if (!Object.keys(patch).length) return; // the toolkit's own beginning
    loaded = true;
    if (!first) setTimeout(ask);
  });
  const watch = new MutationObserver(() => place() && handOver());
  if (template) watch.observe(document, { childList: true, subtree: true });
})();
