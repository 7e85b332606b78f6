"use strict";
const plots = [...document.querySelectorAll(".plot")];
const config = {responsive: true, displaylogo: false, modeBarButtons: [["toImage", "resetScale2d"]],
  toImageButtonOptions: {format: "svg", filename: "bitline"}};
for (const element of plots) {
  const chart = JSON.parse(element.nextElementSibling.textContent);
  Plotly.newPlot(element, chart.data, chart.layout, config);
}
// A printed page is narrower than the window
const fit = () => plots.forEach((element) => Plotly.Plots.resize(element));
window.addEventListener("beforeprint", fit);
window.addEventListener("afterprint", fit);
