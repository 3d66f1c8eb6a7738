import type { NextConfig } from "next";

const config: NextConfig = {
  output: "export",
  // Each page is a folder with an index.html, which every web server finds.
  trailingSlash: true,
};

export default config;
