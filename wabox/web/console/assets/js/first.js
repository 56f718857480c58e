// Before the first paint: the theme and the language that this browser chose last time.
(() => {
  const root = document.documentElement;
  const languages = ["en", "es", "ar", "hi"];
  const wanted = [localStorage.getItem("wabox.language"), ...navigator.languages.map((tag) => tag.split("-")[0])];
  root.lang = wanted.find((one) => languages.includes(one)) ?? "en";
  root.dir = root.lang === "ar" ? "rtl" : "ltr";
  root.dataset.theme = localStorage.getItem("wabox.theme") ?? "auto";
})();
