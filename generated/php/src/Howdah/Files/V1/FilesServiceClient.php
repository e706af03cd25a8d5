<?php
// GENERATED CODE -- DO NOT EDIT!

namespace Howdah\Files\V1;

/**
 * Takes and hands out the tenant's files. Large input comes as a resumable upload: create, append
 * at an offset as often as needed, complete with size and SHA-256.
 */
class FilesServiceClient extends \Grpc\BaseStub {

    /**
     * @param string $hostname hostname
     * @param array $opts channel options
     * @param \Grpc\Channel $channel (optional) re-use channel object
     */
    public function __construct($hostname, $opts, $channel = null) {
        parent::__construct($hostname, $opts, $channel);
    }

    /**
     * Begins an upload.
     * @param \Howdah\Files\V1\CreateUploadRequest $argument input argument
     * @param array $metadata metadata
     * @param array $options call options
     * @return \Grpc\UnaryCall
     */
    public function CreateUpload(\Howdah\Files\V1\CreateUploadRequest $argument,
      $metadata = [], $options = []) {
        return $this->_simpleRequest('/howdah.files.v1.FilesService/CreateUpload',
        $argument,
        ['\Howdah\Files\V1\CreateUploadResponse', 'decode'],
        $metadata, $options);
    }

    /**
     * Appends bytes at an offset. Appending the same bytes at the same offset again changes nothing. Fails
     * with UPLOAD_OFFSET_MISMATCH, naming the offset to go on from, where bytes are missing before it.
     * @param \Howdah\Files\V1\AppendUploadRequest $argument input argument
     * @param array $metadata metadata
     * @param array $options call options
     * @return \Grpc\UnaryCall
     */
    public function AppendUpload(\Howdah\Files\V1\AppendUploadRequest $argument,
      $metadata = [], $options = []) {
        return $this->_simpleRequest('/howdah.files.v1.FilesService/AppendUpload',
        $argument,
        ['\Howdah\Files\V1\AppendUploadResponse', 'decode'],
        $metadata, $options);
    }

    /**
     * Ends an upload and checks it. Fails with UPLOAD_INCOMPLETE or UPLOAD_CHECKSUM_MISMATCH. Repeating it
     * changes nothing.
     * @param \Howdah\Files\V1\CompleteUploadRequest $argument input argument
     * @param array $metadata metadata
     * @param array $options call options
     * @return \Grpc\UnaryCall
     */
    public function CompleteUpload(\Howdah\Files\V1\CompleteUploadRequest $argument,
      $metadata = [], $options = []) {
        return $this->_simpleRequest('/howdah.files.v1.FilesService/CompleteUpload',
        $argument,
        ['\Howdah\Files\V1\CompleteUploadResponse', 'decode'],
        $metadata, $options);
    }

    /**
     * Gets what is known of one file. Fails with RESOURCE_NOT_FOUND, also for another tenant's file.
     * @param \Howdah\Files\V1\GetFileRequest $argument input argument
     * @param array $metadata metadata
     * @param array $options call options
     * @return \Grpc\UnaryCall
     */
    public function GetFile(\Howdah\Files\V1\GetFileRequest $argument,
      $metadata = [], $options = []) {
        return $this->_simpleRequest('/howdah.files.v1.FilesService/GetFile',
        $argument,
        ['\Howdah\Files\V1\GetFileResponse', 'decode'],
        $metadata, $options);
    }

    /**
     * Streams a file in order, in chunks of at most 256 KiB, from an offset on. Fails with FILE_NOT_READY
     * before its upload is complete.
     * @param \Howdah\Files\V1\DownloadFileRequest $argument input argument
     * @param array $metadata metadata
     * @param array $options call options
     * @return \Grpc\ServerStreamingCall
     */
    public function DownloadFile(\Howdah\Files\V1\DownloadFileRequest $argument,
      $metadata = [], $options = []) {
        return $this->_serverStreamRequest('/howdah.files.v1.FilesService/DownloadFile',
        $argument,
        ['\Howdah\Files\V1\DownloadFileResponse', 'decode'],
        $metadata, $options);
    }

    /**
     * Deletes a file. Fails with RESOURCE_NOT_FOUND where there is none.
     * @param \Howdah\Files\V1\DeleteFileRequest $argument input argument
     * @param array $metadata metadata
     * @param array $options call options
     * @return \Grpc\UnaryCall
     */
    public function DeleteFile(\Howdah\Files\V1\DeleteFileRequest $argument,
      $metadata = [], $options = []) {
        return $this->_simpleRequest('/howdah.files.v1.FilesService/DeleteFile',
        $argument,
        ['\Howdah\Files\V1\DeleteFileResponse', 'decode'],
        $metadata, $options);
    }

}
