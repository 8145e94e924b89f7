"""Any model an Ollama server has, asked over HTTP."""
