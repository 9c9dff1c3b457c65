// What every page does beyond HTML: buttons that copy.

for (const button of document.querySelectorAll<HTMLButtonElement>("button[data-copy]")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    const text = button.dataset["copy"] ?? "";
    await navigator.clipboard.writeText(text);
    button.textContent = button.dataset["copied"] ?? button.textContent;
  });
}
