// Set language and theme before the first paint. A classic script, since modules run after it.
(() => {
  const read = (key) => {
    try {
      return localStorage.getItem(key);
    } catch {
      return null; // storage may be forbidden
    }
  };
  const root = document.documentElement;
  root.lang = read("suwen.language") ?? (navigator.language.startsWith("zh") ? "zh-Hans" : "en");
  root.dataset.theme = read("suwen.theme") ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
})();
