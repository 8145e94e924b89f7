"""MLT XML: what melt renders, and Kdenlive and Shotcut open.

clock     times as MLT writes them
producers media as MLT's producers: files, retimed files, colours
writer    a cut to MLT XML, in Kdenlive's shape
reader    MLT XML of melt, Kdenlive and Shotcut to a cut
"""
