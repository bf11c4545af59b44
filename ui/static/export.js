// Take what the server has written for the reader: a text for the clipboard, or a file. Nothing is fetched.
// The menus are `details`; here they close again, and open to the side that has room.
const citefoldExport = (() => {
  let arrived = null; // hands the text to the copy that waits for it
  const KEPT_MS = 60000; // a browser may still be reading the file
  const SAID_MS = 2500;

  function receive(delivery) {
    if (!delivery || !delivery.id) return;
    if ("copy" in delivery) {
      if (arrived) arrived(delivery.copy);
      arrived = null;
    } else save(delivery);
  }

  function save(file) {
    const address = URL.createObjectURL(new Blob([file.text], { type: `${file.type};charset=utf-8` }));
    const link = document.createElement("a");
    link.href = address;
    link.download = file.name;
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(address), KEPT_MS);
  }

  // The browser lets a press write to the clipboard, so it is told at once, and gets the text when it arrives.
  async function write(coming) {
    if (navigator.clipboard && window.ClipboardItem) {
      const text = coming.then((value) => new Blob([value], { type: "text/plain" }));
      return navigator.clipboard.write([new ClipboardItem({ "text/plain": text })]);
    }
    const box = document.createElement("textarea"); // a page without TLS, on another machine
    box.value = await coming;
    document.body.append(box);
    box.select();
    const done = document.execCommand("copy");
    box.remove();
    if (!done) throw new Error("not copied");
  }

  function say(button, state) {
    button.dataset.state = state;
    const words = button.querySelector(`[data-when="${state}"]`);
    button.nextElementSibling.innerHTML = state ? words.innerHTML : "";
    if (state) setTimeout(() => button.dataset.state === state && say(button, ""), SAID_MS);
  }

  function closeMenus(but) {
    for (const menu of document.querySelectorAll("details.menu[open]")) if (menu !== but) menu.open = false;
  }

  // A menu opens upwards where there is more room above it than below.
  document.addEventListener("toggle", (event) => {
    const menu = event.target;
    if (!menu.matches || !menu.matches("details.menu") || !menu.open) return;
    closeMenus(menu);
    const frame = (menu.closest("#chat") || document.documentElement).getBoundingClientRect();
    const place = menu.getBoundingClientRect();
    const below = Math.min(frame.bottom, innerHeight) - place.bottom;
    const forms = menu.querySelector(".forms");
    menu.classList.toggle("up", below < forms.offsetHeight && place.top - Math.max(frame.top, 0) > below);
    forms.style.setProperty("--shift", "0px");
    const over = forms.getBoundingClientRect().right - document.documentElement.clientWidth + 8;
    forms.style.setProperty("--shift", `${Math.max(0, over)}px`);
  }, true);

  document.addEventListener("click", (event) => {
    const button = event.target.closest('[data-do="copy"]');
    if (button) write(new Promise((done) => (arrived = done))).then(() => say(button, "done"), () => say(button, "failed"));
    const menu = event.target.closest("details.menu");
    if (menu && event.target.closest('[data-do="export"]')) {
      menu.open = false;
      menu.querySelector("summary").focus();
    } else closeMenus(menu);
  });

  document.addEventListener("keydown", (event) => {
    const menu = event.key === "Escape" && document.querySelector("details.menu[open]");
    if (!menu) return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });

  return { receive };
})();
