# A single-user image on one of NVIDIA's framework images; `genkan images plan` gives the arguments.
# Order: what seldom changes comes first, so that a new release of ours moves little. Each STEP_... stands for the content of
# the files of the step below it: buildah does not look at what is mounted when it takes a layer from its cache.
ARG BASE_IMAGE
FROM ${BASE_IMAGE}

USER 0
SHELL ["/bin/sh", "-eu", "-c"]

ARG LICENCE_FILES=""
ARG STEP_LICENCES=""
RUN --mount=type=bind,source=steps/licences.sh,target=/run/genkan/licences.sh \
    sh /run/genkan/licences.sh

ARG STEP_PACKAGES=""
RUN --mount=type=bind,source=steps/packages.sh,target=/run/genkan/packages.sh \
    sh /run/genkan/packages.sh
ARG STEP_USER=""
RUN --mount=type=bind,source=steps/user.sh,target=/run/genkan/user.sh \
    sh /run/genkan/user.sh

ARG STEP_SERVER=""
RUN --mount=type=bind,source=steps/server.sh,target=/run/genkan/server.sh \
    --mount=type=bind,source=server.txt,target=/run/genkan/server.txt \
    --mount=type=secret,id=certificates \
    sh /run/genkan/server.sh

ARG BASE_PYTHON=/usr/bin/python3
ARG KERNEL_NAME="Python 3"
ARG STEP_KERNEL=""
RUN --mount=type=bind,source=steps/kernel.sh,target=/run/genkan/kernel.sh \
    sh /run/genkan/kernel.sh
ARG STEP_PROGRAMS=""
RUN --mount=type=bind,source=.,target=/run/genkan/context \
    sh /run/genkan/context/steps/programs.sh

ARG IMAGE_NAME=unnamed
ARG BASE_ENTRYPOINT=""
ENV GENKAN_BASE_ENTRYPOINT=${BASE_ENTRYPOINT} \
    GENKAN_IMAGE=${IMAGE_NAME} \
    GENKAN_PYTHON=${BASE_PYTHON} \
    HOME=/home/jovyan \
    LANG=C.UTF-8 \
    SHELL=/bin/bash

WORKDIR /home/jovyan
USER 1000:100
EXPOSE 8888
ENTRYPOINT ["tini", "-g", "--", "/usr/local/bin/genkan-entrypoint"]
CMD ["jupyterhub-singleuser"]
