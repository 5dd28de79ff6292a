# Trains on a folder of images:
#
#   docker build --tag kith .
#   docker run --rm --user "$(id -u):$(id -g)" --volume "$PWD:/work" kith pretrain --data folder:photos
#
# With a GPU, add `--gpus all` (NVIDIA's container toolkit, which brings its Vulkan driver) or
# `--device /dev/dri` with a driver that the image lacks.
FROM rust:1.95.0-slim-bookworm AS build
WORKDIR /kith
COPY . .
RUN cargo build --profile dist --workspace --bin kith

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates libvulkan1 \
    && rm -rf /var/lib/apt/lists/*
COPY --from=build /kith/target/dist/kith /usr/local/bin/kith
# What a Vulkan driver of NVIDIA's asks for; loaders complain without a folder of their own.
ENV NVIDIA_DRIVER_CAPABILITIES=all XDG_RUNTIME_DIR=/tmp
WORKDIR /work
ENTRYPOINT ["kith"]
