/** The part of `@cornerstonejs/metadata` that Cornerstone's core uses; its whole index brings a reader of DICOM series. */
import * as pixelSpacing from "@cornerstonejs/metadata/utilities/getPixelSpacingInformation";
import * as split from "@cornerstonejs/metadata/utilities/splitImageIdsBy4DTags";
import * as video from "@cornerstonejs/metadata/utilities/isVideoTransferSyntax";
import calibratedPixelSpacingMetadataProvider from "@cornerstonejs/metadata/utilities/calibratedPixelSpacingMetadataProvider";
import imageIdToURI from "@cornerstonejs/metadata/utilities/imageIdToURI";

export * as Enums from "@cornerstonejs/metadata/enums";
export * as metaData from "@cornerstonejs/metadata/metaData";

export const utilities = {
  ...pixelSpacing,
  ...split,
  splitImageIdsBy4DTags: split.default,
  ...video,
  isVideoTransferSyntax: video.default,
  calibratedPixelSpacingMetadataProvider,
  imageIdToURI,
};
