// Before anything is drawn: the choice of the last visit. A browser may keep none.
try {
  document.documentElement.style.colorScheme = localStorage.getItem("theme") || "";
} catch {}
