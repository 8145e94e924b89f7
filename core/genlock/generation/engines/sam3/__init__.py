"""SAM 3 through transformers: what is pointed at, boxed or named becomes a mask, on a still or through a clip.

engine     what it can do and what it costs (light: the daemon imports it)
prompts    selections, checked and put together by thing (light)
loading    the model from its folder, complete or not at all; suppression and hole filling inside it are ours
boxes      example boxes without torchvision: pooling of regions in plain torch
prepare    pictures and coordinates into the model's square, masks out of it
features   what the encoder saw in a frame, kept for the next click
still      masks of one frame
sessions   one thing, or all things of a name, step by step through a clip with bounded memory
clip       forward, backward and both, streamed
delivery   frames with transparency, mattes and polygons
"""
