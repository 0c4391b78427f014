// Search, light or dark, columns that open, and lines that light up. The pages are whole without it.
"use strict";

const byId = (id) => document.getElementById(id);
const root = document.body.dataset.root;

// Light or dark: the system's, until somebody chooses.
byId("theme").addEventListener("click", () => {
  const style = document.documentElement.style;
  const isDark = style.colorScheme
    ? style.colorScheme === "dark"
    : matchMedia("(prefers-color-scheme: dark)").matches;
  style.colorScheme = isDark ? "light" : "dark";
  try {
    localStorage.setItem("theme", style.colorScheme);
  } catch {}
});

// Search over ENTRIES: [name, description, page, layer], tables before columns.
const SHOWN = 30;
const box = byId("search");
const list = byId("found");

/** How well an entry fits, smaller is better; Infinity where a word is missing. */
function misfit([name, description], words) {
  const lower = name.toLowerCase();
  const last = lower.slice(lower.lastIndexOf(".") + 1);
  let total = 0;
  for (const word of words) {
    if (last === word) total += 0;
    else if (last.startsWith(word)) total += 1;
    else if (last.includes(word)) total += 2;
    else if (lower.includes(word)) total += 3;
    else if (description.toLowerCase().includes(word)) total += 6;
    else return Infinity;
  }
  return total;
}

function search() {
  const words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
  const found = words.length
    ? ENTRIES.map((entry) => [misfit(entry, words), entry])
        .filter(([value]) => value < Infinity)
        .sort(([one], [other]) => one - other)
    : [];
  list.replaceChildren(
    ...found.slice(0, SHOWN).map(([, [name, description, page, layer]]) => {
      const item = document.createElement("li");
      const link = document.createElement("a");
      link.href = root + page;
      link.dataset.layer = layer;
      const title = document.createElement("strong");
      title.textContent = name;
      const text = document.createElement("span");
      text.textContent = description;
      link.append(title, text);
      item.append(link);
      return item;
    }),
  );
  if (words.length && !found.length) {
    const item = document.createElement("li");
    item.className = "none";
    item.textContent = "Nothing by that name.";
    list.append(item);
  }
  list.hidden = !words.length;
}

box.addEventListener("input", search);
box.addEventListener("focus", search);

document.addEventListener("keydown", (event) => {
  const isTyping = event.target === box;
  if (event.key === "/" && !isTyping) {
    event.preventDefault();
    box.select();
    return;
  }
  if (event.key === "Escape" && !list.hidden) {
    list.hidden = true;
    box.blur();
    return;
  }
  if (list.hidden || !event.target.closest(".search")) return;
  const links = [...list.querySelectorAll("a")];
  const place = links.indexOf(event.target);
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    const next = place + (event.key === "ArrowDown" ? 1 : -1);
    (links[next] || box).focus();
  } else if (event.key === "Enter" && isTyping && links.length) {
    links[0].click();
  }
});
document.addEventListener("click", (event) => {
  if (!event.target.closest(".search")) list.hidden = true;
  else if (event.target.closest("#found a")) list.hidden = true;
});

// A link to a column opens it; an opened column can be linked to.
function openColumn() {
  const column = location.hash && byId(decodeURIComponent(location.hash.slice(1)));
  if (column && column.matches("details")) {
    column.open = true;
    column.scrollIntoView({ block: "start" });
  }
}
addEventListener("hashchange", openColumn);
openColumn();
for (const column of document.querySelectorAll("details.column")) {
  column.addEventListener("toggle", () => {
    if (column.open) {
      history.replaceState(null, "", `#${column.id}`);
      centre(column);
    }
  });
}

// A wide picture begins with its subject in the middle.
function centre(within) {
  for (const picture of within.querySelectorAll(".picture")) {
    const here = picture.querySelector("a.here");
    if (!here) continue;
    const own = picture.getBoundingClientRect();
    const at = here.getBoundingClientRect();
    picture.scrollLeft += at.left + at.width / 2 - own.left - own.width / 2;
    picture.scrollTop += at.top + at.height / 2 - own.top - own.height / 2;
  }
}
centre(document);
for (const more of document.querySelectorAll("details.more")) {
  more.addEventListener("toggle", () => more.open && centre(more));
}

// Who points at a box sees its way through the picture.
for (const picture of document.querySelectorAll("svg.lineage")) {
  const lines = [...picture.querySelectorAll("path")];
  const boxes = [...picture.querySelectorAll("a")];
  if (boxes.length < 4) continue;

  function reach(start, from, to) {
    const seen = new Set([start]);
    const used = [];
    for (const node of seen) {
      for (const line of lines) {
        if (line.dataset[from] === node) {
          used.push(line);
          seen.add(line.dataset[to]);
        }
      }
    }
    return [seen, used];
  }

  function light(node) {
    const [after, onward] = reach(node, "from", "to");
    const [before, back] = reach(node, "to", "from");
    picture.classList.add("lit");
    for (const line of lines) line.classList.toggle("on", onward.includes(line) || back.includes(line));
    for (const one of boxes) {
      const name = one.dataset.node;
      one.classList.toggle("on", after.has(name) || before.has(name));
    }
  }

  const dark = () => picture.classList.remove("lit");
  for (const one of boxes) {
    one.addEventListener("mouseenter", () => light(one.dataset.node));
    one.addEventListener("mouseleave", dark);
    one.addEventListener("focus", () => light(one.dataset.node));
    one.addEventListener("blur", dark);
  }
}
