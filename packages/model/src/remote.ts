// Files on web servers: by itself, so that a page that opens files of its user does not load it.

export { httpSource } from "@ll/bytes";
