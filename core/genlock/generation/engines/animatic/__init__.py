"""The embedded engine: animatics without a model. Nothing to download, runs everywhere, says ANIMATIC on every frame.

engine     what it can do (light: the daemon imports it)
filming    one request, frame by frame
pictures   what the frames are cut from: pinned pictures, morphs between them, moves over them
sources    stills and clips, decoded
worlds     landscapes from the hash of a prompt, where there is no picture
skies, grounds, figures     what worlds are made of
camera     moves
morph      optical flow between two pictures
burnin     the bars with shot, prompt, timecode and counter
guide      the tone bed
"""
