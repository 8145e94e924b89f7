"""Tiny checkpoints with the production geometry, built here: random weights, real classes, real folders.

Compression ratios (32x32x8 for LTX-2, 16x16 for FLUX.2, 14-pixel patches for SAM 3), layer wiring, tokenizer classes
and chat templates are those of the real models; only widths and depths shrink, so that shape rules hold. Each
`make_*` writes a folder that the real class loads with `from_pretrained(folder)`. Equal calls write equal weights.
"""

from __future__ import annotations

import os
import shutil
import string
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import torch

ASCII: Final = [c for c in string.printable if c not in "\x0b\x0c\r"]
IMAGE: Final = 112
"""Pixels: side of the picture the tiny SAM 3 sees (1008 in the real one)."""

GEMMA_CHAT: Final = (
    "{{ bos_token }}{% for m in messages %}<start_of_turn>{{ 'model' if m['role']=='assistant' else 'user' }}\n"
    "{% if m['content'] is string %}{{ m['content'] }}{% else %}{% for c in m['content'] %}"
    "{% if c['type']=='image' %}<start_of_image>{% else %}{{ c['text'] }}{% endif %}{% endfor %}{% endif %}"
    "<end_of_turn>\n{% endfor %}{% if add_generation_prompt %}<start_of_turn>model\n{% endif %}"
)
QWEN_CHAT: Final = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n"
    "{% if enable_thinking is defined and enable_thinking is false %}<think>\n\n</think>\n\n{% endif %}{% endif %}"
)


# -- tokenizers


def gemma_tokenizer() -> Any:
    """Returns a character-level tokenizer with Gemma's normaliser, special tokens and byte fallback."""
    from transformers import GemmaTokenizer

    special = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>", "<start_of_turn>", "<end_of_turn>"]
    special += ["<start_of_image>", "<end_of_image>", "<image_soft_token>"]
    words = [*special, *(f"<0x{byte:02X}>" for byte in range(256)), "▁", *ASCII]
    tokenizer = GemmaTokenizer(
        vocab={word: number for number, word in enumerate(dict.fromkeys(words))},
        merges=[],
        model_max_length=1024,
        extra_special_tokens={
            "boi_token": "<start_of_image>",
            "eoi_token": "<end_of_image>",
            "image_token": "<image_soft_token>",
        },
    )
    tokenizer.add_special_tokens({"additional_special_tokens": ["<start_of_turn>", "<end_of_turn>"]})
    tokenizer.chat_template = GEMMA_CHAT
    return tokenizer


def qwen_tokenizer() -> Any:
    """Returns a tokenizer over the 256 byte symbols without merges: every string tokenises."""
    from tokenizers.pre_tokenizers import ByteLevel
    from transformers import Qwen2Tokenizer

    words = [*sorted(ByteLevel.alphabet()), "<|endoftext|>", "<|im_start|>", "<|im_end|>", "<think>", "</think>"]
    vocab = {word: number for number, word in enumerate(words)}
    tokenizer = Qwen2Tokenizer(vocab=vocab, merges=[], model_max_length=512)
    tokenizer.add_special_tokens({"additional_special_tokens": ["<|im_start|>", "<|im_end|>"]})
    tokenizer.chat_template = QWEN_CHAT
    return tokenizer


def clip_tokenizer() -> Any:
    """Returns SAM 3's tokenizer over single bytes."""
    from tokenizers.pre_tokenizers import ByteLevel
    from transformers import CLIPTokenizer

    words = [form for c in sorted(ByteLevel.alphabet()) for form in (c, c + "</w>")]
    words += ["<|startoftext|>", "<|endoftext|>"]
    return CLIPTokenizer(vocab={word: number for number, word in enumerate(words)}, merges=[], model_max_length=32)


# -- Gemma 3


def gemma3_config(layers: int = 2, hidden: int = 32, vocab: int = 512) -> Any:
    from transformers import Gemma3Config

    text = {
        "vocab_size": vocab,
        "hidden_size": hidden,
        "intermediate_size": 64,
        "num_hidden_layers": layers,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "head_dim": 16,
        "max_position_embeddings": 2048,
        "sliding_window": 512,
        "pad_token_id": 0,
        "eos_token_id": 1,
        "bos_token_id": 2,
    }
    vision = {
        "hidden_size": 16,
        "intermediate_size": 32,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "image_size": 28,
        "patch_size": 14,
    }
    tokens = {"mm_tokens_per_image": 4, "boi_token_index": 7, "eoi_token_index": 8, "image_token_index": 9}
    return Gemma3Config(text_config=text, vision_config=vision, **tokens)


def gemma3_processor(tokenizer: Any) -> Any:
    from transformers import Gemma3Processor

    # By its module: without torchvision the top level hands out a stub that refuses to be made.
    from transformers.models.gemma3.image_processing_pil_gemma3 import Gemma3ImageProcessorPil

    images = Gemma3ImageProcessorPil(size={"height": 28, "width": 28})
    return Gemma3Processor(image_processor=images, tokenizer=tokenizer, chat_template=GEMMA_CHAT, image_seq_length=4)


def make_gemma3(folder: Path) -> None:
    """Writes a Gemma 3 with eyes (0.2 MB)."""
    from transformers import Gemma3ForConditionalGeneration

    torch.manual_seed(0)
    Gemma3ForConditionalGeneration(gemma3_config()).eval().save_pretrained(folder)
    gemma3_processor(gemma_tokenizer()).save_pretrained(folder)


# -- LTX-2


def make_ltx2(folder: Path) -> None:
    """Writes an LTX-2 with sound and latent upsampler (4 MB)."""
    from diffusers import LTX2Pipeline
    from diffusers.pipelines.ltx2 import LTX2LatentUpsamplerModel

    LTX2Pipeline(**_ltx2_parts()).save_pretrained(folder)
    torch.manual_seed(0)
    upsampler = LTX2LatentUpsamplerModel(in_channels=8, mid_channels=32, num_blocks_per_stage=1)
    upsampler.save_pretrained(folder / "latent_upsampler")


def _ltx2_parts() -> dict[str, Any]:
    from diffusers import (
        AutoencoderKLLTX2Audio,
        AutoencoderKLLTX2Video,
        FlowMatchEulerDiscreteScheduler,
        LTX2VideoTransformer3DModel,
    )
    from diffusers.pipelines.ltx2 import LTX2TextConnectors
    from diffusers.pipelines.ltx2.vocoder import LTX2Vocoder
    from transformers import Gemma3ForConditionalGeneration

    torch.manual_seed(0)
    words = gemma3_config()
    hidden, layers = words.text_config.hidden_size, words.text_config.num_hidden_layers
    video, sound, mel = 8, 2, 16
    parts: dict[str, Any] = {"text_encoder": Gemma3ForConditionalGeneration(words).eval()}
    parts["transformer"] = LTX2VideoTransformer3DModel(
        in_channels=video,
        out_channels=video,
        num_attention_heads=2,
        attention_head_dim=16,
        cross_attention_dim=32,
        audio_in_channels=sound * mel // 4,
        audio_out_channels=sound * mel // 4,
        audio_num_attention_heads=2,
        audio_attention_head_dim=8,
        audio_cross_attention_dim=16,
        num_layers=2,
        caption_channels=hidden,
        rope_double_precision=False,
        rope_type="split",
    )
    # One small connector a modality; it sees the embedding layer and every hidden layer, hence layers + 1.
    one = {
        "num_layers": 1,
        "num_attention_heads": 2,
        "attention_head_dim": hidden // 2,
        "num_learnable_registers": None,
    }
    both = {f"{side}_connector_{key}": value for side in ("video", "audio") for key, value in one.items()}
    parts["connectors"] = LTX2TextConnectors(
        caption_channels=hidden,
        text_proj_in_factor=layers + 1,
        rope_type="split",
        rope_double_precision=False,
        connector_rope_base_seq_len=64,
        **both,
    )
    parts["vae"] = AutoencoderKLLTX2Video(
        latent_channels=video,
        block_out_channels=(8, 16, 32, 64),
        decoder_block_out_channels=(8, 16, 32),
        layers_per_block=(1, 1, 1, 1, 1),
        decoder_layers_per_block=(1, 1, 1, 1),
        decoder_causal=False,
        spatial_compression_ratio=32,
        temporal_compression_ratio=8,
    )
    parts["audio_vae"] = AutoencoderKLLTX2Audio(
        base_channels=sound * mel // 4,
        ch_mult=(1, 1, 1),
        num_res_blocks=1,
        resolution=32,
        latent_channels=sound,
        mel_bins=mel,
    )
    parts["vocoder"] = LTX2Vocoder(
        in_channels=2 * mel, hidden_channels=32, resnet_kernel_sizes=[3], resnet_dilations=[[1, 3]]
    )
    tokenizer = gemma_tokenizer()
    shifts = {"base_shift": 0.95, "max_shift": 2.05, "base_image_seq_len": 1024, "max_image_seq_len": 4096}
    return parts | {
        "tokenizer": tokenizer,
        "processor": gemma3_processor(tokenizer),
        "prompt_enhancer": None,
        "duration_head": None,
        "scheduler": FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True, shift_terminal=0.1, **shifts),
    }


# -- FLUX.2 Klein


def make_flux2(folder: Path, *, distilled: bool = True) -> None:
    """Writes a FLUX.2 Klein (0.7 MB)."""
    from diffusers import (
        AutoencoderKLFlux2,
        FlowMatchEulerDiscreteScheduler,
        Flux2KleinPipeline,
        Flux2Transformer2DModel,
    )
    from transformers import Qwen3Config, Qwen3ForCausalLM

    torch.manual_seed(0)
    tokenizer = qwen_tokenizer()
    # Klein reads hidden layers 9, 18 and 27, so a stand-in keeps a depth above 27; width is what shrinks.
    words = Qwen3Config(
        vocab_size=len(tokenizer) + 8,
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=28,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=8,
        max_position_embeddings=1024,
    )
    Flux2KleinPipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True, base_shift=0.5, max_shift=1.15),
        tokenizer=tokenizer,
        text_encoder=Qwen3ForCausalLM(words).eval(),
        vae=AutoencoderKLFlux2(
            block_out_channels=(8, 8, 8, 8), layers_per_block=1, latent_channels=4, norm_num_groups=4, sample_size=64
        ),
        transformer=Flux2Transformer2DModel(
            in_channels=16,
            num_layers=1,
            num_single_layers=2,
            attention_head_dim=16,
            num_attention_heads=2,
            joint_attention_dim=48,
            axes_dims_rope=(4, 4, 4, 4),
            guidance_embeds=False,
        ),
        is_distilled=distilled,
    ).save_pretrained(folder)


# -- SAM 3


def _sam3_vision() -> dict[str, Any]:
    side = IMAGE // 14
    backbone = {
        "model_type": "sam3_vit_model",
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "image_size": IMAGE,
        "patch_size": 14,
        "window_size": 4,
        "global_attn_indexes": [1],
        "pretrain_image_size": 56,
    }
    return {
        "backbone_config": backbone,
        "fpn_hidden_size": 128,
        "backbone_feature_sizes": [[side * 4] * 2, [side * 2] * 2, [side] * 2],
        "scale_factors": [4.0, 2.0, 1.0, 0.5],
    }


def _sam3_detector() -> Any:
    from transformers import Sam3Config

    small = {"hidden_size": 128, "num_attention_heads": 2, "intermediate_size": 48, "num_layers": 2}
    text = {
        "vocab_size": 520,
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "projection_dim": 32,
        "max_position_embeddings": 32,
        "bos_token_id": 512,
        "eos_token_id": 513,
        "pad_token_id": 513,
    }
    return Sam3Config(
        vision_config=_sam3_vision(),
        text_config=text,
        geometry_encoder_config={**small, "roi_size": 3},
        detr_encoder_config=small,
        detr_decoder_config={**small, "num_queries": 8},
        mask_decoder_config={"hidden_size": 128, "num_upsampling_stages": 3, "num_attention_heads": 2},
    )


def _sam3_tracker() -> Any:
    from transformers import Sam3TrackerVideoConfig

    return Sam3TrackerVideoConfig(
        image_size=IMAGE,  # defaults to 1008 and overwrites the parts otherwise
        vision_config=_sam3_vision(),
        prompt_encoder_config={"hidden_size": 128, "image_size": IMAGE, "patch_size": 14, "mask_input_channels": 4},
        mask_decoder_config={
            "hidden_size": 128,
            "mlp_dim": 48,
            "num_attention_heads": 2,
            "iou_head_hidden_dim": 32,
        },
        memory_attention_hidden_size=128,
        memory_attention_num_layers=1,
        memory_attention_feed_forward_hidden_size=48,
        memory_attention_rope_feat_sizes=[IMAGE // 14] * 2,
        memory_encoder_hidden_size=128,
        memory_encoder_output_channels=64,  # wired into the cross attention, and has to be below the hidden size
        mask_downsampler_embed_dim=128,
        memory_fuser_embed_dim=128,
        memory_fuser_intermediate_dim=64,
        memory_fuser_num_layers=1,
    )


def make_sam3(folder: Path) -> None:
    """Writes a SAM 3 as the real repository holds it (17 MB): detector and tracker on one vision encoder."""
    from transformers import Sam3VideoConfig, Sam3VideoModel

    torch.manual_seed(0)
    config = Sam3VideoConfig(
        detector_config=_sam3_detector(),
        tracker_config=_sam3_tracker(),
        low_res_mask_size=IMAGE // 14 * 4,
        hotstart_delay=2,
        hotstart_unmatch_thresh=2,
        hotstart_dup_thresh=2,
        # random weights score near 0.5, so both gates sit below it for the tracker to get something
        score_threshold_detection=0.05,
        new_det_thresh=0.05,
        max_num_objects=3,
    )
    model = Sam3VideoModel(config).eval()
    # random weights see no object in any frame, and the tracker would give empty masks only
    torch.nn.init.ones_(model.tracker_model.mask_decoder.pred_obj_score_head.proj_out.bias)
    model.save_pretrained(folder)
    clip_tokenizer().save_pretrained(folder)


MAKERS: Final[dict[str, Callable[[Path], None]]] = {
    "ltx2": make_ltx2,
    "flux2-klein": make_flux2,
    "sam3": make_sam3,
    "gemma3": make_gemma3,
}
"""By the catalog's names."""


def make_all(home: Path) -> Path:
    """Writes all of them below a folder, each once, and returns it: a model library."""
    for name, make in MAKERS.items():
        if not (home / name).exists():
            temporary = home / f".{name}.{os.getpid()}"
            make(temporary)
            try:
                temporary.replace(home / name)
            except OSError:  # another process was faster
                shutil.rmtree(temporary)
    return home


if __name__ == "__main__":
    import sys

    make_all(Path(sys.argv[1]))
