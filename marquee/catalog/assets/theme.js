// Before anything is drawn: the choice of the last visit. A browser may refuse to remember one.
try {
  document.documentElement.style.colorScheme = localStorage.getItem("theme") || "";
} catch {}
