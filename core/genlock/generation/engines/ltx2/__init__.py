"""LTX-2: video with sound from text, pictures and clips. Only `engine` may be imported without the model libraries."""
