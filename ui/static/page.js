// What leads from the server's events to the page and back: patches are put in their places, and a press of
// anything with `data-do` becomes an event of that name for the server. No text is made here.
const citefold = (() => {
  const applied = new WeakMap(); // element -> { name: what a patch put there last }
  const after = []; // called with the patch once it is applied
  let send = null;

  function put(element, name, text) {
    const known = applied.get(element) || {};
    if (known[name] === text) return;
    applied.set(element, { ...known, [name]: text });
    if (name) {
      if (element.getAttribute(name) !== text) element.setAttribute(name, text);
    } else element.innerHTML = text;
  }

  // A turn that is not there yet stands at the end; the first one takes the place of the welcome.
  function made(id) {
    const turns = document.getElementById("turns");
    if (!turns || !id.startsWith("turn-")) return null;
    if (!turns.querySelector(".turn")) turns.replaceChildren();
    const turn = document.createElement("article");
    turn.id = id;
    turns.append(turn);
    applied.delete(turns); // it no longer holds what a patch put there
    return turn;
  }

  function apply(patch) {
    for (const [key, text] of Object.entries(patch || {})) {
      const [id, name = ""] = key.split("@");
      const element = document.getElementById(id) || made(id);
      if (element) put(element, name, text);
    }
    for (const call of after) call(patch || {});
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-do]:not(form)");
    if (!button || !send || event.ctrlKey || event.metaKey || event.shiftKey) return; // a link in a new tab
    event.preventDefault();
    if (event.detail > 1) return; // the second press of a double click
    send(button.dataset.do, JSON.parse(button.dataset.with || "{}"));
  });

  return {
    apply,
    afterPatch: (call) => after.push(call),
    listen: (trigger) => (send = trigger),
    act: (name, values) => send && send(name, values),
  };
})();
