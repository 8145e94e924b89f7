"""Final Cut Pro 7 XML (xmeml), as Premiere Pro, DaVinci Resolve and their likes read and write it. `reader` reads,
`writer` writes; docs/formats.md says what becomes what, docs/why/fcp7.md why."""
