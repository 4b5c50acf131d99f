# A single-user image on plain Debian or Ubuntu, with CUDA or without; `genkan images plan` gives the arguments.
# Order: what seldom changes comes first, so that a new release of ours moves little.
ARG BASE_IMAGE
FROM ${BASE_IMAGE}

USER 0
SHELL ["/bin/sh", "-eu", "-c"]

ARG LICENCE_FILES=""
RUN --mount=type=bind,source=steps/licences.sh,target=/run/genkan/licences.sh \
    sh /run/genkan/licences.sh

RUN --mount=type=bind,source=steps/packages.sh,target=/run/genkan/packages.sh \
    sh /run/genkan/packages.sh python3-pip
RUN --mount=type=bind,source=steps/user.sh,target=/run/genkan/user.sh \
    sh /run/genkan/user.sh

RUN --mount=type=bind,source=steps/server.sh,target=/run/genkan/server.sh \
    --mount=type=bind,source=server.txt,target=/run/genkan/server.txt \
    sh /run/genkan/server.sh

ARG BASE_PYTHON=/usr/bin/python3
RUN --mount=type=bind,source=steps/science.sh,target=/run/genkan/science.sh \
    --mount=type=bind,source=scipy.txt,target=/run/genkan/scipy.txt \
    sh /run/genkan/science.sh
ARG KERNEL_NAME="Python 3"
RUN --mount=type=bind,source=steps/kernel.sh,target=/run/genkan/kernel.sh \
    sh /run/genkan/kernel.sh
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
