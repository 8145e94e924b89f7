"""What is read of foreign media, and how large it may be. Plain values: PyAV and ffmpeg are both held to them."""

from __future__ import annotations

from typing import Final

MOST_PIXELS: Final = 16384 * 8192
"""Larger pictures are refused: a 2 KB file can claim gigabytes."""

FORMATS: Final = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mxf,mpegts,mpeg,mpegvideo,h264,hevc,av1,obu,ivf,dv,nut,flv,asf,gif,apng,"
    "wav,w64,aiff,caf,mp3,aac,ac3,eac3,flac,ogg,opus,amr,au,image2,png_pipe,jpeg_pipe,tiff_pipe,exr_pipe,dpx_pipe,"
    "webp_pipe,bmp_pipe,j2k_pipe,psd_pipe,hdr_pipe,jpegxl_pipe,yuv4mpegpipe,rm,wtv,gxf,r3d,cineform,dnxhd"
)
"""What is read. Playlists (HLS, DASH, concat) are not: they would make the reader open other files and addresses."""

READ_ONLY_FILES: Final = {"protocol_whitelist": "file", "format_whitelist": FORMATS}
