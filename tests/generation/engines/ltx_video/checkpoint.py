"""Writes a tiny LTX-Video checkpoint as Lightricks publish theirs: one file of transformer and decoder with its
configuration inside, T5 and its tokenizer beside it. Run by the interpreter of the environment: `python
ltx_video_checkpoint.py FOLDER`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch
from ltx_video.models.autoencoders.causal_video_autoencoder import (
    CausalVideoAutoencoder,
    create_video_autoencoder_demo_config,
)
from ltx_video.models.transformers.transformer3d import Transformer3DModel
from ltx_video.utils.diffusers_config_mapping import OURS_SCHEDULER_CONFIG, OURS_TRANSFORMER_CONFIG
from safetensors.torch import save_file
from sentencepiece import SentencePieceTrainer
from transformers import T5Config, T5EncoderModel, T5Tokenizer

CHANNELS = 8


def main(folder: Path) -> None:
    torch.manual_seed(0)
    decoder = dict(create_video_autoencoder_demo_config(latent_channels=CHANNELS))
    for side in ("encoder_blocks", "decoder_blocks"):
        decoder[side] = [
            (kind, {**options, "num_layers": 1} if "num_layers" in options else options)
            for kind, options in decoder[side]
        ]
    decoder |= {"encoder_base_channels": 8, "decoder_base_channels": 8}
    narrow = {
        "num_attention_heads": 2,
        "attention_head_dim": 16,
        "in_channels": CHANNELS,
        "out_channels": CHANNELS,
        "num_layers": 2,
        "cross_attention_dim": 32,
        "caption_channels": 16,
        "adaptive_norm": "single_scale_shift",
        "causal_temporal_positioning": True,
    }
    transformer = {**OURS_TRANSFORMER_CONFIG, **narrow}
    vae = CausalVideoAutoencoder.from_config(dict(decoder))
    tensors = {
        f"model.diffusion_model.{k}": v for k, v in Transformer3DModel.from_config(transformer).state_dict().items()
    }
    tensors |= {f"vae.{key}": value for key, value in vae.state_dict().items()}
    tensors |= {
        f"vae.per_channel_statistics.{key}": torch.full((CHANNELS,), value) for key, value in STATISTICS.items()
    }
    config = {"transformer": transformer, "vae": decoder, "scheduler": OURS_SCHEDULER_CONFIG}
    folder.mkdir(parents=True)
    kept = {key: value.contiguous().clone() for key, value in tensors.items()}
    save_file(kept, folder / "ltxv-2b-0.9.8.safetensors", metadata={"config": json.dumps(config)})
    words = T5Config(vocab_size=300, d_model=16, d_kv=8, d_ff=16, num_layers=1, num_heads=2)
    T5EncoderModel(words).eval().save_pretrained(folder / "text_encoder")
    (folder / "lines.txt").write_text(
        "\n".join(["a", "lighthouse", "at", "dawn", "slow", "push", "in", "over", "the", "sea"] * 40)
    )
    SentencePieceTrainer.train(
        input=str(folder / "lines.txt"),
        model_prefix=str(folder / "spiece"),
        vocab_size=200,
        hard_vocab_limit=False,
        byte_fallback=False,
        minloglevel=2,
    )
    T5Tokenizer(str(folder / "spiece.model"), extra_ids=0, legacy=True).save_pretrained(folder / "tokenizer")
    for name in ("lines.txt", "spiece.model", "spiece.vocab"):
        (folder / name).unlink()
    (folder / "genlock.json").write_text(json.dumps({"revision": "tiny"}))


STATISTICS = {"std-of-means": 1.0, "mean-of-means": 0.0}

if __name__ == "__main__":
    main(Path(sys.argv[1]))
